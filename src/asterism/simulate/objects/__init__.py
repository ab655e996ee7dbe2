"""What is in the sky and which of it a survey takes."""
