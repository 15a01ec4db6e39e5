"""What is held true, and what others say."""
