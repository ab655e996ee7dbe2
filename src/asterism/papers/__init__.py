"""The seed papers' experiments: what they published beside what this package gives."""
