"""Long runs of the scoring server: ``make soak MINUTES=10``. Answers have to be right and memory flat."""
