"""What an engine says of a case: the record, as it is asked for and as it is kept."""
