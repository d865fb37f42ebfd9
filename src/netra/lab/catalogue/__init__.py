"""The rows of the lab's table of faults, a file for each part of an answer that can go wrong."""
