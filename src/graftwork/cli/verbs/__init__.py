"""The verbs of the command line, one file each; a new file here is a new verb."""
