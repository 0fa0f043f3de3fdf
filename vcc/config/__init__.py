"""What a user can set: options classes, one per concern, joined per entry point."""

from vcc.config.options import Options, option

__all__ = ["Options", "option"]
