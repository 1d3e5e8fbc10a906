"""stub"""
from enum import StrEnum


class Role(StrEnum):
    """What a user may do at the sites given to them."""

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Scope(StrEnum):
    """What a token may do: `read` as a viewer, `operate` as an operator, `admin` as an administrator."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"
class UserRecord: ...
