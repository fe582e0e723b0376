CREATE TABLE app.x (a INT);
