"""The way in for back-filling by hand: a CSV file, streamed, with a dry run and a report by line."""
