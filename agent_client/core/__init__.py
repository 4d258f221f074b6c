"""The decisions of an agent: what to start, stop, report and say. No I/O, clock, thread or chance.

Events and the time go in, effects come out as data; the shell carries them out. All times are
milliseconds of one clock that also counts while the machine is suspended, and its origin is
arbitrary: no lease is ``None``, never 0.
"""
