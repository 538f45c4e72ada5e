//! Decide which downloaded assets to remove: priority, expiration, quota; a plan with reasons
