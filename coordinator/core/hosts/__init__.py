"""The machines of the fleet: what their hosts say, and which agents each is to run.

A host is told the full list of its agents and says the full list of what it runs. It decides by
itself when a process is started again; here is decided which processes there should be.
"""
