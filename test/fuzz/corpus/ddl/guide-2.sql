CREATE UNIQUE INDEX idx_email ON users(email);
