"""The least that conforms: try it as ``fleetbus conformance --agent "python FILE"``."""

from agent_client import Agent, Failed, Task

agent = Agent(capabilities=["conformance"], slots=4)


@agent.handler("conformance")
def work(task: Task) -> dict[str, object]:
    """Sleep, fail or echo, as the arguments say."""
    task.sleep(task.args.get("sleep_s", 0))
    if "fail" in task.args:
        raise Failed(task.args["fail"])
    return {"echo": task.args.get("echo")}


agent.run()
