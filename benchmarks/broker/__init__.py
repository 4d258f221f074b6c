"""The embedded broker under a fleet's load, beside stock amqtt and mosquitto in the same run."""
