// Runs before anything is painted: sets the language and colours chosen last time.
(() => {
  const { documentElement: root } = document;
  const kept = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is forbidden here: the choice lasts as long as the page
    }
  };
  const language = kept('language') ?? (navigator.language.startsWith('ar') ? 'ar' : 'en');
  root.lang = language === 'ar' ? 'ar' : 'en';
  root.dir = language === 'ar' ? 'rtl' : 'ltr';
  const scheme = kept('scheme');
  if (scheme === 'light' || scheme === 'dark') root.dataset.scheme = scheme;
})();
