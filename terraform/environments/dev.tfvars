project_id          = "scrollback-dev"
environment         = "dev"
domain              = "chat.dev.example.com"
mail_from           = "Scrollback <no-reply@dev.example.com>"
deletion_protection = false
log_retention_days  = 7

model = {
  base_url = "https://models.example.com/v1"
  fast     = "small"
  slow     = "large"
}

repository = {
  owner  = "example"
  name   = "scrollback"
  branch = "main"

  app_installation_id = 12345678
}

alert_emails = ["dev@example.com"]

budget = {
  billing_account = "000000-000000-000000"
  currency        = "EUR"
  units           = 50
}

thresholds = {
  requests_per_second_min = 5
}
