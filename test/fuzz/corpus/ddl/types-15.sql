CREATE TABLE x (id INT PRIMARY KEY DEFAULT nextval('x_id_seq'::regclass));
