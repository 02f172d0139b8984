"""Models without a script: loading, asking and describing them. Runs in scorers, not in the front."""
