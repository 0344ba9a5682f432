"""Models as files: finds them, checks them, and makes a folder that a model server and a trainer can load."""
