"""Programs for developers: what is written into the documents from the code."""
