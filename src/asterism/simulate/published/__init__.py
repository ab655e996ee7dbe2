"""A simulated sky as the files that a survey would publish."""
