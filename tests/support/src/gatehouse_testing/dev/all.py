"""`./dev all`: check, then test."""

from gatehouse_testing.dev import check, test


def main(argv: list[str]) -> int:
    """Both, even if the first finds something; the words given go to `test`."""
    return max(check.main([]), test.main(argv))
