"""The HTML: the report and the page of the certified values."""
