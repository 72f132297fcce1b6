"""``livewitness settings``: the settings explained, as a sample file and as a page."""

import click

from livewitness.settings_sheet import page, sample


@click.group(name="settings")
def command() -> None:
    """设置的样例与说明 / Settings: a sample file, a page."""


@command.command(name="sample")
def sample_() -> None:
    """样例文件：全部设置及默认值 / A sample file of all settings with their defaults."""
    click.echo(sample(), nl=False)


@command.command(name="page")
def page_() -> None:
    """文档页 docs/settings.md / The page of the documentation."""
    click.echo(page(), nl=False)
