"""What the platform's people set, a shop's people do not undo: theirs is what somebody of their own shop set."""

from api.context import ApiContext
from core.access import DeniedError, Visitor
from store import accounts, api_keys


def check_own(context: ApiContext, visitor: Visitor, by: str) -> None:
    """Raises `DeniedError` for a shop's visitor where ``by``, who set it, is not an account or key of the same shop."""
    if not visitor.shop:
        return
    with context.db.read() as connection:
        account = accounts.get_account(connection, by)
        shops = {key.shop for key in api_keys.list_api_keys(connection) if key.name == by}
    if account is not None:
        shops.add(account.shop)
    # Whoever is neither worked at the machine itself.
    if shops != {visitor.shop}:
        raise DeniedError(
            "platforms_own",
            f"这是平台的“{by}”设立的，店铺账号不能改动。",
            f"“{by}” of the platform set this; it is not a shop's to change.",
        )
