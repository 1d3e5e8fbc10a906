"""Whether a browser's request comes from our own page. Pure."""

from collections.abc import Iterable
from urllib.parse import urlsplit


def is_own_origin(
    origin: str | None, host: str, fetch_site: str | None, public_urls: Iterable[str]
) -> bool:
    """Whether a state-changing request was sent by our own page, or by no browser at all.

    >>> is_own_origin("http://hub.local:8080", "hub.local:8080", None, ())
    True
    >>> is_own_origin("http://evil.example", "hub.local:8080", None, ())
    False
    >>> is_own_origin("https://gate.example", "10.0.0.2:8080", "same-origin", ("https://gate.example",))
    True
    >>> is_own_origin(None, "hub.local:8080", None, ())
    True
    >>> is_own_origin(None, "hub.local:8080", "cross-site", ())
    False
    """
    if fetch_site is not None and fetch_site not in ("same-origin", "none"):
        return False
    if origin is None:
        return True
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False  # "null": a sandboxed page, a file
    return parts.netloc.lower() == host.lower() or origin.lower() in {
        url.rstrip("/").lower() for url in public_urls
    }
