CREATE INDEX b_x ON b (a_ld);
