"""Tasks in processes of their own, each under a guard that ends it when its lease is over.

``agent -> guard -> task``: the guard is a small process between the two. It depends on neither:
it acts in time though the agent is frozen or dead and the task does not listen.
"""

in_task = False
"""Whether this very process is that of a task."""
