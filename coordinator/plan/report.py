"""Problems of a plan as text for a terminal: one each, with what would be right below it."""

from collections.abc import Iterable

from coordinator.plan.problems import Problem, Severity, by_path


def render(problems: Iterable[Problem]) -> str:
    """Return *problems* by path, and a last line that counts them; empty when there are none."""
    ordered = by_path(problems)
    if not ordered:
        return ""
    lines: list[str] = []
    for problem in ordered:
        lines.append(f"{problem.severity}: {problem.headline}")
        if problem.suggestion:
            lines.append(f"    {problem.suggestion}")
    errors = sum(problem.severity is Severity.ERROR for problem in ordered)
    lines.append(f"{_count(errors, 'error')}, {_count(len(ordered) - errors, 'warning')}")
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
