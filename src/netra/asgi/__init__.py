"""What any listener of ours needs and no login knows: requests, answers, limits, request ids, admission, stopping."""
