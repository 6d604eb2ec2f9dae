DROP TABLE mainstay_transitions;
