"""MLflow: runs, logged models, the registry. The only package that imports mlflow."""
