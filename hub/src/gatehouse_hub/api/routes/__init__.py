"""The addresses of the API, one file per subject. Each checks the caller, asks a port, and shapes the answer."""
