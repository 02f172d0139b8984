"""Raw HTTP for entry scripts."""
