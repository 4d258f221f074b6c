"""Who waits, in which order, for whom.

Tasks of one :class:`~coordinator.core.queue.shapes.Shape` are interchangeable and wait in one heap.
Agents of one :class:`~coordinator.core.queue.classes.AgentClass` are interchangeable and look at
one :class:`~coordinator.core.queue.board.Board`, which knows the heads of the shapes they could
take. So the cost of a decision depends on the number of kinds, not on the number of tasks.
"""
