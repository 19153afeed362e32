"""Tables, plots and pages for people to read."""
