"""What the HTTP interface says and accepts: pydantic models, one file per subject. The console's types come from them."""
