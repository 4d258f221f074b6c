"""A bot that walks through web sites and reports the links that lead nowhere.

FLEETBUS_AGENT=link-bot python examples/link_bot.py
fleetbus task add --name site --mode check-links --args '{"urls": ["http://127.0.0.1:8000/"]}'

It stays on the sites that it was given, and reads one page at a time: a visitor, not a flood.
"""

import urllib.request
from collections import deque
from dataclasses import dataclass
from html.parser import HTMLParser
from http.client import HTTPException
from urllib.parse import urldefrag, urljoin

from agent_client import Agent, Rejected, Task

LEADS = {"a": "href", "area": "href", "link": "href", "img": "src", "script": "src"}

agent = Agent(capabilities=["check-links"])


@dataclass(frozen=True)
class Sites:
    """Where to begin, and when it is enough."""

    urls: list[str]
    most_pages: int = 500


@agent.handler("check-links")
def check_links(task: Task, args: Sites) -> dict[str, object]:
    """Look at all pages that the first ones lead to; say what is broken, and where."""
    for number, url in enumerate(args.urls):
        if not url.startswith(("http://", "https://")):
            right = f"args.urls.{number}: a URL at http:// or https://, not {url!r}"
            raise Rejected("bad_args", right, retryable=False)
    sites = tuple(urljoin(url, "/") for url in args.urls)
    found_on = dict.fromkeys(args.urls, "the task")
    waiting, broken = deque(found_on), list[dict[str, str]]()
    while waiting and (looked_at := len(found_on) - len(waiting)) < args.most_pages:
        task.check()
        url = waiting.popleft()
        task.progress(100 * looked_at / len(found_on), url)
        links, fault = look_at(url, task.cancel_grace_s)  # a cancelled task has no longer than that
        if fault is not None:
            broken.append({"url": url, "on": found_on[url], "why": fault})
        new = [link for link in links if link.startswith(sites) and link not in found_on]
        found_on |= dict.fromkeys(new, url)
        waiting += dict.fromkeys(new)
    return {"found": len(found_on), "left_out": len(waiting), "broken": broken[:500]}


def look_at(url: str, within_s: float) -> tuple[list[str], str | None]:
    """Return the links on the page at *url*, or what is wrong with it."""
    reader = Reader(url)
    try:
        with urllib.request.urlopen(url, timeout=within_s) as page:  # noqa: S310 - http, see above
            if page.headers.get_content_type() == "text/html":
                reader.base = page.url  # where it was moved to
                reader.feed(page.read(1 << 20).decode("utf-8", "replace"))
    except (OSError, ValueError, HTTPException) as error:
        return reader.links, str(error)
    return reader.links, None


class Reader(HTMLParser):
    """Collects where a page leads, as whole URLs."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base, self.links = base, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag refers to, if it does."""
        if target := dict(attrs).get(LEADS.get(tag, "")):
            self.links.append(urldefrag(urljoin(self.base, target)).url)


agent.run()
