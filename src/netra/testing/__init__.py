"""What tests of Netra, and of programs that embed it, are built with: the only fakes there are."""
