"""The least that conforms: ``fleetbus conformance --agent "python examples/conforming.py"``."""

import os

from agent_client import Agent, Failed, Task

agent = Agent(os.environ["FLEETBUS_AGENT"], capabilities=["conformance"], heartbeat_s=1.0, slots=4)


@agent.handler("conformance")
def work(task: Task) -> dict[str, object]:
    """Sleep, fail or echo, as the arguments say."""
    task.sleep(task.args.get("sleep_s", 0))
    if "fail" in task.args:
        raise Failed(task.args["fail"])
    return {"echo": task.args.get("echo")}


agent.run()
