"""From what the store says to what the API says, one file per subject. Pure."""
