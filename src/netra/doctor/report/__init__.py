"""A diagnosis in writing: for people, for programs, for a build."""
