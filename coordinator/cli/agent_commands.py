"""``fleetbus agents ...``: the list of agents, and all that is asked about one or done to it."""

import typer

from coordinator.cli import fleet_commands, host_commands, verb_commands, why_commands
from coordinator.cli.options import AsJson, Broker, Root
from coordinator.cli.sections import WholeLines

app = typer.Typer(cls=WholeLines, invoke_without_command=True)


@app.callback()
def agents(
    chosen: typer.Context, broker: Broker = None, root: Root = None, as_json: AsJson = False
) -> None:
    """List the agents: what each does, how it is, and what it holds.

    Example: fleetbus agents --json | jq -r '.[].agent'
    """
    if chosen.invoked_subcommand is None:
        fleet_commands.agents(broker, root, as_json)


app.command("why-idle")(why_commands.why_idle)
for order in (host_commands.start, host_commands.stop, host_commands.restart):
    app.command(order.__name__)(order)
for verb in (verb_commands.cordon, verb_commands.drain, verb_commands.maintenance):
    app.command(verb.__name__)(verb)
app.command("return")(verb_commands.give_back)
app.command()(verb_commands.forget)
