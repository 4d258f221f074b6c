"""Effects: the one writer, the bus, the store, clocks; whatever the core decides is done here."""
