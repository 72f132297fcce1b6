"""``livewitness rules``: what the packs hold, whether a pack loads, and what a rule stands on."""

import click


@click.group(name="rules")
def command() -> None:
    """规则 / Rules: list, check, test, explain."""
