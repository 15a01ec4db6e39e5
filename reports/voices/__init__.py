"""Voices: a report as JSON, JUnit, Markdown and text."""
