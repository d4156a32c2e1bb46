"""What is said of what waits for whoever looks, beside the navigation."""

from typing import Final

TEXTS: Final = {
    "waiting-said": (
        "{count} waits for you|{count} wait for you",
        "{count} en attente de vous|{count} en attente de vous",
    ),
}
