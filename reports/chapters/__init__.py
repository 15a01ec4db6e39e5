"""A chapter per document: its figures, its pictures and what they say."""
