"""What is wrong with a fleet's work in the end, by its agents' records and its store's books."""

from collections.abc import Iterator, Mapping, Sequence

from tests.support.books import Books
from tests.support.ground_truth import Run, most_at_once, overlaps, runs_by_task
from tests.support.load import Load


def faults(
    load: Load, runs: Sequence[Run], books: Books, limits: Mapping[str, int]
) -> Iterator[str]:
    """Name whatever is lost, doubled, unfinished or beyond *limits*; *load* is over."""
    tasks = set(load.accepted.values())
    if len(tasks) != len(load.accepted):
        yield "two requests were answered with one task"
    yield from (f"refused: {reply}" for reply in load.refused)
    yield from (
        f"{task} was accepted and is not in the books" for task in tasks - set(books.statuses)
    )
    yield from (f"nobody was told of {task}" for task in set(books.statuses) - tasks)
    for task, status in books.statuses.items():
        succeeded = books.outcomes[task]["succeeded"] if task in books.outcomes else 0
        if status != "completed" or succeeded != 1:
            yield f"{task} is {status} after {succeeded} attempts that succeeded"
    yield from (f"{task} never ran" for task in tasks - set(runs_by_task(runs)))
    yield from (f"never ended: {run}" for run in runs if run.end is None)
    yield from overlaps(runs)
    combat = [run for run in runs if run.mode == "combat"]
    for limit, limited in (("max_concurrent_agents", runs), ("max_concurrent_combat", combat)):
        if (most := most_at_once(limited)) > limits[limit]:
            yield f"{most} ran at once beyond {limit} of {limits[limit]}"
