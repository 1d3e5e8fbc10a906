"""stub"""
from dataclasses import dataclass
from gatehouse_hub.api.callers import Caller

@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session."""
    caller: Caller
    csrf: str
    must_change_password: bool

class People:
    """x"""
    def find_session(self, secret: str) -> SignedIn | None: ...
    def find_token(self, secret: str) -> Caller | None: ...
