CREATE TABLE x (
  id serial primary key,
  a jsnob);
