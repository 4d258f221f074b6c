import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.shell.mqtt import packets
from coordinator.shell.mqtt.packets import BadPacket, Delivery, Kind, Packet, Reader

TOPICS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=100)
PAYLOADS = st.binary(max_size=300) | st.integers(0, 40_000).map(bytes)
MESSAGES = st.builds(
    Delivery, TOPICS, PAYLOADS, st.booleans(), st.integers(0, packets.MAX_PACKET_ID)
)


def fed(reader: Reader, stream: bytes, cuts: list[int]) -> list[Packet | Delivery]:
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [
        packet
        for start, end in itertools.pairwise(edges)
        for packet in reader.feed(stream[start:end])
    ]


def written(message: Delivery) -> bytes:
    return packets.publish(
        message.topic, message.payload, message.packet_id, retain=message.is_retained
    )


@given(st.lists(MESSAGES, max_size=8), st.lists(st.integers(0, 2**20), max_size=8))
def test_what_was_written_is_read_however_the_stream_is_cut(
    messages: list[Delivery], cuts: list[int]
) -> None:
    stream = b"".join(map(written, messages))
    assert fed(Reader(), stream, cuts) == messages


@given(st.integers(1, 5_000), st.lists(st.integers(0, 2**22), max_size=6))
def test_an_overlong_message_passes_cut_short_and_what_follows_is_whole(
    excess: int, cuts: list[int]
) -> None:
    payload = bytes(packets.LONGEST_BODY + excess)
    stream = packets.publish("a/b", payload, 7, retain=False) + packets.puback(9)
    message, short = fed(Reader(), stream, cuts)
    assert isinstance(message, Delivery)
    assert isinstance(short, Packet)
    assert (message.topic, message.packet_id) == ("a/b", 7)
    assert packets.LONGEST_BODY - 10 < len(message.payload) < len(payload)
    assert (short.kind, packets.packet_id_of(short)) == (Kind.PUBACK, 9)


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_noise_is_read_as_packets_or_refused(chunks: list[bytes]) -> None:
    reader = Reader()
    try:
        for chunk in chunks:
            for packet in reader.feed(chunk):
                if isinstance(packet, Packet):
                    packets.packet_id_of(packet)
    except BadPacket:
        pass


@pytest.mark.parametrize(
    ("flags", "body"),
    [
        (0x04, b"\x00\x01a\x00\x01"),  # QoS 2
        (0x06, b"\x00\x01a\x00\x01"),  # QoS 3
        (0x02, b"\x00\x01a\x00\x00"),  # packet id 0
        (0x02, b"\x00\x01a\x00"),
        (0x00, b"\x00\x09a"),  # the topic would go on in the next packet
        (0x00, b"\x00\x01\xff"),  # no UTF-8
        (0x00, b""),
    ],
)
def test_a_message_that_breaks_the_rules_is_refused(flags: int, body: bytes) -> None:
    with pytest.raises(BadPacket):
        Reader().feed(bytes((Kind.PUBLISH << 4 | flags, len(body))) + body + packets.PING)


def test_a_length_of_five_digits_is_refused() -> None:
    with pytest.raises(BadPacket, match="length"):
        Reader().feed(b"\x30\xff\xff\xff\xff\x01")


def test_a_connect_names_the_will_and_the_credentials() -> None:
    said = packets.connect("me", keepalive_s=20, will=("w", b"gone"), username="u", password="p")
    fields = b"\x00\x02me\x00\x01w\x00\x04gone\x00\x01u\x00\x01p"
    header = b"\x00\x04MQTT\x04\xee" + struct.pack(">H", 20)
    assert said == bytes((0x10, len(header + fields))) + header + fields
